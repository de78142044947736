/** What an organization and its jobs may still spend: pure decisions over what is committed and set aside. */
import type { BudgetOwner } from "../../contracts/organization-rpc.ts";
import type { ModelName } from "../../contracts/models.ts";
import { modelNames } from "../../contracts/models.ts";
import type { Failure } from "../../core/errors.ts";
import type { Period } from "../../core/utc-periods.ts";

/** From this part of a period's budget on, people are told and new jobs get a cheaper model. */
const alertShare = 0.8;

/** What a day or month holds, in micro-dollars. */
export interface PeriodUse {
  readonly period: Period;
  readonly limitMicroUsd: number;
  readonly committedMicroUsd: number;
  readonly reservedMicroUsd: number;
  /** The smallest call that the period had no room for; null while every call found room. */
  readonly smallestRefusedMicroUsd: number | null;
}

/** The periods of an organization that spending counts in. */
export interface OrganizationUse {
  readonly day: PeriodUse;
  readonly month: PeriodUse;
}

export type ReserveDecision = { readonly kind: "reserve" } | { readonly kind: "refuse"; readonly by: BudgetOwner };

function roomIn({ limitMicroUsd, committedMicroUsd, reservedMicroUsd }: PeriodUse): number {
  return limitMicroUsd - committedMicroUsd - reservedMicroUsd;
}

/** Whether a call that may cost so much fits into every budget; the narrowest owner is named first. */
export function decideReservation(
  amountMicroUsd: number,
  job: { readonly ceilingMicroUsd: number; readonly committedMicroUsd: number },
  { day, month }: OrganizationUse,
): ReserveDecision {
  if (job.committedMicroUsd + amountMicroUsd > job.ceilingMicroUsd) return { kind: "refuse", by: "job" };
  if (amountMicroUsd > roomIn(day)) return { kind: "refuse", by: "organization_day" };
  if (amountMicroUsd > roomIn(month)) return { kind: "refuse", by: "organization_month" };
  return { kind: "reserve" };
}

/** Whether nothing more can be begun: no room is left, or not even for the smallest call that was refused. */
export function isExhausted(use: PeriodUse): boolean {
  const room = roomIn(use);
  return room <= 0 || (use.smallestRefusedMicroUsd !== null && room < use.smallestRefusedMicroUsd);
}

/** When new work may begin again, as far as the calendar decides; null when it may begin now. */
export function exhaustedUntilMs({ day, month }: OrganizationUse): number | null {
  if (isExhausted(month)) return month.period.endMs;
  return isExhausted(day) ? day.period.endMs : null;
}

/** Why a new submission is refused; null while there is money. */
export function budgetRefusal(use: OrganizationUse, nowMs: number): Failure | null {
  const untilMs = exhaustedUntilMs(use);
  if (untilMs === null) return null;
  const period = untilMs === use.month.period.endMs && isExhausted(use.month) ? "month" : "day";
  return {
    code: "budget_exhausted",
    detail: `The organization's budget of this ${period} (UTC) is used up.`,
    retryAfterSeconds: Math.max(1, Math.ceil((untilMs - nowMs) / 1_000)),
  };
}

/** Whether so much of the budget is committed that people are told. */
export function isAlarming({ committedMicroUsd, limitMicroUsd }: PeriodUse): boolean {
  return committedMicroUsd >= limitMicroUsd * alertShare;
}

export interface ModelPick {
  readonly model: ModelName;
  readonly modelReason: string;
}

/** What a new job runs on when money gets short: one model down, where the organization may use it. */
export function thriftyModel(pick: ModelPick, allowed: readonly ModelName[]): ModelPick {
  const cheaper = modelNames[modelNames.indexOf(pick.model) - 1];
  if (cheaper === undefined || !allowed.includes(cheaper)) return pick;
  return { model: cheaper, modelReason: `${pick.modelReason} (${pick.model} before: most of the budget is spent)` };
}
