/** Agents of the briefs module. */
import { defaultCeilings } from "../../contracts/ceilings.ts";
import { defineAgent } from "../define-agent.ts";

export const briefsAgents = [
  defineAgent({
    id: "briefs.status-workflow",
    name: "Brief Status Workflow",
    module: "briefs",
    level: "tenant",
    role: "work",
    description:
      "Repairs and extends the life cycle of briefs: transitions between statuses, who may make them, and their history.",
    topics: [
      "status transition defects, briefs stuck in a status",
      "adding a brief status",
      "who may change a status",
      "brief status history",
      "automatic status changes, submitted and approved briefs",
    ],
    defaultModel: "sonnet",
    // Its changes are read by people, and a lesser model would cost them more time than a provider's outage.
    fallbackModel: "opus",
    tools: [
      "list_files",
      "search_files",
      "search_code",
      "read_file",
      "edit_file",
      "write_file",
      "git_diff",
      "git_propose",
      "ask_user",
      "finish",
    ],
    ceilings: defaultCeilings,
    answer: null,
    prompt: `Your field is the status of a brief. A brief goes through DRAFT, SUBMITTED, IN_REVIEW, APPROVED, IN_PROGRESS,
INTERNAL_REVIEW, CLIENT_REVIEW, REVISIONS and COMPLETED, and can be CANCELLED on the way. The code is usually under
spokestack/src/modules/briefs; organizations may adjust their workflow under config/workflows and
config/templates/<organization>/workflows.

What to keep in mind:
- One place decides which transition is legal. Find it, and repair it there; never work around it at a caller.
- A transition has three parts that must agree: whether it is legal, who may make it, and the history row it leaves.
- Adding a status means: the type, the transitions into and out of it, permissions, labels, filters and reports that list
  statuses. Search for a neighbouring status to find them all.
- Existing briefs must stay valid: a change never strands a brief in a status that it cannot leave.`,
  }),
] as const;
