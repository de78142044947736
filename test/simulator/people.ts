/** The people of an organization: they command issues, say things, answer questions and decide reviews. */
import type { QuestionRecord } from "../../src/contracts/conversation.ts";
import type { OrganizationEvent } from "../../src/contracts/events.ts";
import type { ReviewRecord } from "../../src/contracts/records.ts";
import { type Outside, repeated } from "./caller.ts";
import type { PlannedCommand, PlannedMessage } from "./people-plan.ts";

const everything = { kind: "all" } as const;

interface Addressed {
  readonly organizationId: string;
  readonly issueId: string;
}

/** What a message under an idempotency key begins with: it is said once, however often it is sent. */
export const saidOnce = "Once: ";

/** Asks, one after the other, what was planned for an issue. */
export async function commandIssue(
  outside: Outside,
  address: Addressed,
  commands: readonly PlannedCommand[],
): Promise<void> {
  const ref = { ...address, visibility: everything, authority: everything, actor: "someone", reason: null };
  for (const { afterMs, ...asked } of commands) {
    await outside.scheduler.sleep(afterMs);
    const ask = () => outside.organization(address.organizationId).commandIssue({ ...ref, ...asked });
    await repeated(outside, ask).catch(() => null);
  }
}

function say(
  outside: Outside,
  { organizationId, issueId }: Addressed,
  text: string,
  hasKey: boolean,
): Promise<unknown> {
  const message = {
    organizationId,
    issueId,
    visibility: everything,
    authority: everything,
    text,
    author: "someone",
    enteredBy: "someone",
    questionId: null,
    idempotency: hasKey ? { key: `${issueId} ${text}`, requestHash: text } : null,
  };
  const send = () => outside.organization(organizationId).sendMessage(message);
  return (hasKey ? repeated(outside, send) : send()).catch(() => null);
}

/** Says what was planned to the agent of an issue; nobody waits for one message to be taken before he sends the next. */
export async function talk(outside: Outside, address: Addressed, messages: readonly PlannedMessage[]): Promise<void> {
  for (const [index, { afterMs, hasKey }] of messages.entries()) {
    await outside.scheduler.sleep(afterMs);
    void say(outside, address, `${hasKey ? saidOnce : "Perhaps twice: "}${index}`, hasKey);
  }
}

/** Does what an event asks of people; one in ten is seen by nobody. */
export function react(outside: Outside, organizationId: string, event: OrganizationEvent): void {
  if ((event.type !== "review.opened" && event.type !== "question.asked") || outside.chance.happens(0.1)) return;
  const act =
    event.type === "review.opened"
      ? () => decideReview(outside, organizationId, event.data.review)
      : () => answer(outside, organizationId, event.data.question);
  outside.scheduler.after(1, () => void act());
}

/** Answers a question, sometimes twice, or too late. */
async function answer(outside: Outside, organizationId: string, question: QuestionRecord): Promise<void> {
  const { scheduler, chance } = outside;
  const address = { organizationId, issueId: question.issueId };
  for (let times = chance.happens(0.2) ? 2 : 1; times > 0; times -= 1) {
    await scheduler.sleep(chance.between(500, 60_000));
    await say(outside, address, question.choices.length === 0 ? "Do it." : "YES", chance.happens(0.5));
  }
}

/** Looks at an open review, and decides it until the decision is taken. */
async function decideReview(outside: Outside, organizationId: string, review: ReviewRecord): Promise<void> {
  const { scheduler, chance } = outside;
  const organization = outside.organization(organizationId);
  const decision = chance.pick(["approve", "approve", "approve", "approve", "reject", "request_changes"]);
  await scheduler.sleep(chance.between(500, 20_000));
  for (;;) {
    try {
      await organization.decideReview({
        organizationId,
        reviewId: review.id,
        decision,
        note: decision === "request_changes" ? "Do it the other way." : null,
        contentHash: review.contentHash,
        decidedBy: "reviewer",
        actingAs: ["organization", "platform"],
        deciderIds: ["reviewer"],
      });
      return;
    } catch {
      await scheduler.sleep(1_000);
    }
  }
}
