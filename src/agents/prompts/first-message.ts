/** The first user message of an attempt: the issue, and whatever this job has to know besides. */
import type { Conversation } from "../../contracts/conversation.ts";
import type { ArtifactView, LastAttempt } from "../../contracts/organization-rpc.ts";
import type { IssueRecord, JobRole } from "../../contracts/records.ts";
import type { Repository } from "../../contracts/terms.ts";
import { userMessage } from "../transcript.ts";
import { lastAttemptSection } from "./last-attempt.ts";
import { quoteText } from "./quoted-text.ts";

export interface RepositoryFacts {
  readonly repository: Repository;
  readonly branch: string;
  readonly commit: string;
  readonly fileCount: number;
  /** Some of the files, in order; all of them when there are few. */
  readonly paths: readonly string[];
}

export interface FirstMessageFacts {
  readonly role: JobRole;
  readonly issue: Pick<IssueRecord, "type" | "priority" | "title" | "description" | "context" | "triage">;
  /** Null when the agent has no use for a repository, or none is bound. */
  readonly repository: RepositoryFacts | null;
  /** Counts from 1. */
  readonly attempt: number;
  /** The attempt before this one; null for the first. */
  readonly lastAttempt: LastAttempt | null;
  /** Paths that earlier work on this issue changed already. */
  readonly changedPaths: readonly string[];
  /** Why a review sent the earlier change back. */
  readonly reviewNote: string | null;
  /** What a person wants changed about the earlier change. */
  readonly requestedChanges: string | null;
  readonly underReview: ArtifactView | null;
  /** What was said about the issue before. */
  readonly conversation: Conversation;
}

const maxIssueCharacters = 60_000;
const maxContextCharacters = 20_000;
const maxDiffCharacters = 200_000;
const maxNoteCharacters = 8_000;

function issueSection({ issue, role }: FirstMessageFacts): string {
  const parts = [
    "# The issue",
    `Submitted as ${issue.type}, priority ${issue.priority}.`,
    quoteText("Title", issue.title, maxIssueCharacters),
    quoteText("Description", issue.description, maxIssueCharacters),
  ];
  if (Object.keys(issue.context).length > 0) {
    parts.push(quoteText("Context", JSON.stringify(issue.context, null, 2), maxContextCharacters));
  }
  if (issue.triage !== null && role !== "triage") {
    const { type, priority, module, complexity, reason } = issue.triage;
    parts.push(
      `Triage took it for: ${type}, priority ${priority}, complexity ${complexity} of 10.`,
      quoteText("What triage wrote about it", `Module ${module}. ${reason}`, maxNoteCharacters),
    );
  }
  return parts.join("\n");
}

function repositorySection({ repository, fileCount, branch, commit, paths }: RepositoryFacts): string {
  const shown = paths.length < fileCount ? `the first ${paths.length}` : "all";
  return [
    "# The repository",
    `${repository.owner}/${repository.name}, branch ${branch} at commit ${commit}: ${fileCount} files that you may read.`,
    quoteText(`Paths (${shown})`, paths.join("\n"), maxContextCharacters),
  ].join("\n");
}

function earlierWorkSection({ attempt, changedPaths, reviewNote, requestedChanges }: FirstMessageFacts): string {
  const parts = ["# Earlier work on this issue"];
  if (attempt > 1) parts.push(`This is attempt ${attempt}; an earlier one failed before it was done.`);
  if (changedPaths.length > 0) {
    parts.push(quoteText("Files that earlier work changed, as your tools show them", changedPaths.join("\n"), 10_000));
  }
  if (requestedChanges !== null) {
    parts.push(
      "A person has read the change and wants it different. Change what is asked for, and propose the whole again.",
    );
    parts.push(quoteText("The person", requestedChanges, maxNoteCharacters));
  }
  if (reviewNote !== null) {
    parts.push("The review sent the change back. Put right what it names, look at the diff, and propose again.");
    parts.push(quoteText("The review", reviewNote, maxNoteCharacters));
  }
  return parts.join("\n");
}

/** Answered questions, and messages that an earlier agent of the issue has heard; others are still to be told. */
function conversationSection({ questions, messages }: Conversation): string | null {
  const parts = [
    ...questions.flatMap(({ question, answer, answeredBy }) =>
      answer === null
        ? []
        : [
            quoteText("An agent asked", question, maxNoteCharacters),
            quoteText("The answer", `${answeredBy ?? "The agent's own default"}: ${answer}`, maxNoteCharacters),
          ],
    ),
    ...messages.flatMap(({ author, text, heardByJobId }) =>
      heardByJobId === null ? [] : [quoteText("A person wrote", `${author}: ${text}`, maxNoteCharacters)],
    ),
  ];
  return parts.length === 0 ? null : ["# What people said about it meanwhile", ...parts].join("\n");
}

function underReviewSection({ artifact, content, diffPatch }: ArtifactView): string {
  const parts = [
    `# The change under review (${artifact.type})`,
    quoteText("Name", artifact.name, maxNoteCharacters),
    quoteText("What its author wrote", content, maxIssueCharacters),
  ];
  if (diffPatch !== null) parts.push(quoteText("Diff", diffPatch, maxDiffCharacters));
  return parts.join("\n");
}

const task: Readonly<Record<JobRole, string>> = {
  triage: "Decide how this issue is handled, and answer.",
  work: "Work on this issue, and end by calling finish.",
  review: "Review this change, and answer with your verdict.",
};

/** The message as the JSON text that is sent. Equal facts give equal bytes. */
export function renderFirstMessage(facts: FirstMessageFacts): string {
  const sections = [issueSection(facts)];
  if (facts.repository !== null) sections.push(repositorySection(facts.repository));
  else if (facts.role === "work") sections.push("# The repository\nNone is available for this issue.");
  const hasEarlierWork =
    facts.attempt > 1 || facts.changedPaths.length > 0 || facts.reviewNote !== null || facts.requestedChanges !== null;
  if (facts.role === "work" && hasEarlierWork) sections.push(earlierWorkSection(facts));
  if (facts.lastAttempt !== null) sections.push(lastAttemptSection(facts.lastAttempt));
  const said = conversationSection(facts.conversation);
  if (said !== null) sections.push(said);
  if (facts.underReview !== null) sections.push(underReviewSection(facts.underReview));
  sections.push(`# Your task\n${task[facts.role]}`);
  return userMessage(sections.join("\n\n"));
}
