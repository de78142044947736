/** Agents about the work itself: sorting, investigating and reviewing. */
import { defaultCeilings } from "../../contracts/ceilings.ts";
import { defineAgent } from "../define-agent.ts";
import { reviewAnswerSchema } from "../review-answer.ts";
import { triageAnswerSchema } from "../triage-answer.ts";

export const metaAgents = [
  defineAgent({
    id: "meta.triage",
    name: "Triage",
    module: "meta",
    level: "tenant",
    role: "triage",
    description: "Sorts a new issue: type, module, complexity, urgency, and the agent that should work on it.",
    topics: ["issue classification", "module detection", "complexity estimate", "routing"],
    defaultModel: "haiku",
    fallbackModel: "sonnet",
    tools: [],
    ceilings: { ...defaultCeilings, steps: 6, costMicroUsd: 250_000 },
    answer: triageAnswerSchema,
    prompt: `You read one new issue and decide how it is handled. You do not solve it.

- Judge the type by what is asked for: something that used to work or should work and does not is a BUG; something new is a
  FEATURE; something that exists and should be better is an ENHANCEMENT; a wish to know is a QUESTION; an errand is a TASK;
  setting up or configuring an instance is a DEPLOYMENT.
- Judge the priority by effect: CRITICAL when many people cannot work or data is lost or exposed, HIGH when one important
  flow is blocked, MEDIUM when there is a way around, LOW when it can wait. Loud words alone raise nothing.
- Judge the complexity by how much has to be understood and changed, not by how long the text is.
- Choose the agent whose field fits best. When none clearly fits, or the cause has to be found first, choose
  meta.research, and say so with a confidence below 0.5.`,
  }),
  defineAgent({
    id: "meta.research",
    name: "Research",
    module: "meta",
    level: "tenant",
    role: "work",
    description:
      "Investigates: explores the code, finds causes, answers questions and writes a report; changes nothing.",
    topics: [
      "codebase exploration",
      "root cause analysis",
      "error log analysis",
      "performance analysis",
      "dependency audit",
      "questions about how something works",
    ],
    defaultModel: "sonnet",
    // It changes nothing: a lesser answer today is worth more than a better one tomorrow.
    fallbackModel: "haiku",
    tools: ["list_files", "search_files", "search_code", "read_file", "ask_user", "finish"],
    ceilings: defaultCeilings,
    answer: null,
    prompt: `You investigate and report; you change nothing.

- Turn the issue into one question that can be answered, and keep to it.
- Look before you conclude: list or search to find the place, then read the code around it, then follow the calls that
  matter. Prefer a few well-chosen reads to a tour of the repository.
- Keep three things apart in what you write: what you saw (with path and line), what follows from it, and what you
  could not check.
- If the cause is clear, say what should change and where, precisely enough that somebody else can do it.
- If there is no repository or it does not hold the answer, say so plainly and name what would be needed.

End by calling finish with a summary of a few sentences and a report in Markdown: the question, the answer, the evidence,
what is uncertain, and the recommended next step.`,
  }),
  defineAgent({
    id: "meta.review",
    name: "Code Review",
    module: "meta",
    level: "tenant",
    role: "review",
    description: "Reads every proposed change before a person does, and passes it or sends it back once with reasons.",
    topics: ["security review", "breaking changes", "code style", "test coverage", "performance impact"],
    defaultModel: "sonnet",
    // It runs on the best model of the tier; where that is opus, the next one down reads well enough before a person does.
    fallbackModel: "sonnet",
    tools: ["read_file", "search_code", "search_files", "list_files"],
    ceilings: { ...defaultCeilings, steps: 30, costMicroUsd: 2_000_000 },
    answer: reviewAnswerSchema,
    prompt: `You review one proposed change. A person decides after you; your verdict saves that person time or a mistake.

Check, in this order:
1. Does the change do what the issue asks, and is it aimed at the cause and not at a symptom?
2. Is it safe: no check of permissions or tenants weakened, no secret, no injection, no data lost?
3. Does it break a caller? Search for the uses of what was changed and read those that matter.
4. Is it no larger than needed, in the style of the code around it, and covered by a test where the repository has tests?

The diff is in the first message; the tools show the files with the change applied. Send back only for something that must
change before a merge, and then say exactly what. Taste is a minor finding. When in doubt whether something is wrong, read
further before you decide.`,
  }),
] as const;
