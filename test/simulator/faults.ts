/** Which faults a run has and how often; each run has some of them, so that none hides another. */
import type { Chance } from "./chance.ts";
import type { DeathPlan } from "./process.ts";

export interface FaultRates {
  readonly requestLost: number;
  readonly replyLost: number;
  readonly duplicated: number;
  readonly longDelay: number;
  readonly deathAtWrite: number;
  readonly deathAtCommit: number;
  readonly lateAlarm: number;
  readonly sendRefused: number;
  readonly messageLost: number;
  readonly messageDuplicated: number;
  readonly sliceDies: number;
  readonly sliceStalls: number;
  readonly sliceFails: number;
  readonly sliceYields: number;
  readonly storeTimesOut: number;
}

/** The most that a run has of each. */
export const worst: FaultRates = {
  requestLost: 0.08,
  replyLost: 0.08,
  duplicated: 0.08,
  longDelay: 0.05,
  deathAtWrite: 0.004,
  deathAtCommit: 0.04,
  lateAlarm: 0.1,
  sendRefused: 0.1,
  messageLost: 0.1,
  messageDuplicated: 0.15,
  sliceDies: 0.08,
  sliceStalls: 0.08,
  sliceFails: 0.08,
  sliceYields: 0.08,
  storeTimesOut: 0.2,
};

const none: FaultRates = mapRates(worst, () => 0);

const longDelayMs = 20_000;
const longLateAlarmMs = 5_000;
/** How late any alarm may be. */
const punctualMs = 20;

function mapRates(rates: FaultRates, map: (rate: number) => number): FaultRates {
  const mapped: Record<string, number> = {};
  for (const [name, rate] of Object.entries(rates)) mapped[name] = map(Number(rate));
  return { ...rates, ...mapped };
}

export class Faults implements DeathPlan {
  /** What has happened at least once. */
  readonly happened = new Set<keyof FaultRates>();
  readonly #chance: Chance;
  readonly #untilMs: number;
  readonly #nowMs: () => number;
  #rates: FaultRates;

  constructor(chance: Chance, nowMs: () => number, untilMs: number) {
    this.#chance = chance;
    this.#nowMs = nowMs;
    this.#untilMs = untilMs;
    this.#rates = mapRates(worst, (rate) => (chance.happens(0.6) ? rate * chance.next() : 0));
  }

  areOn(): boolean {
    return this.#rates !== none;
  }

  stop(): void {
    this.#rates = none;
  }

  happens(fault: keyof FaultRates): boolean {
    const rate = this.#rates[fault];
    const happens = rate > 0 && this.#chance.happens(rate);
    if (happens) this.happened.add(fault);
    return happens;
  }

  atWrite(): boolean {
    return this.happens("deathAtWrite");
  }

  atCommit(): boolean {
    return this.happens("deathAtCommit");
  }

  /** How long a message is under way; none is any more when the faults stop, long delays being one of them. */
  delayMs(): number {
    const delayMs = this.happens("longDelay") ? this.#chance.between(200, longDelayMs) : this.#chance.between(1, 40);
    return this.areOn() ? Math.max(1, Math.min(delayMs, this.#untilMs - this.#nowMs())) : delayMs;
  }

  /** How late an alarm comes that is due then; none is late any more when the faults stop. */
  alarmDelayMs(dueMs: number): number {
    const delayMs = this.happens("lateAlarm") ? this.#chance.between(punctualMs, longLateAlarmMs) : punctualMs;
    return Math.max(punctualMs, Math.min(delayMs, this.#untilMs - dueMs));
  }
}
