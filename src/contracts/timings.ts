/** Durations of the scheduling protocol. Each is a setting; the test configuration divides them by ten. */
export interface Timings {
  /** A running slice's claim on its job; also how long an effect is leased. */
  readonly leaseMs: number;
  /** How often a slice renews its lease. */
  readonly heartbeatMs: number;
  /** First wait before an unclaimed message is sent again; doubles up to `resendMaxMs`. */
  readonly resendAfterMs: number;
  readonly resendMaxMs: number;
  /** The same between the objects, for demand, offers, confirmations and terms: a free slot is not to wait for a lost call. */
  readonly objectResendAfterMs: number;
  readonly objectResendMaxMs: number;
  /** How long a slot is held without renewal, and how often its holder renews it. */
  readonly slotLeaseMs: number;
  readonly slotRenewMs: number;
  /** How long a `control` call waits for something to say. */
  readonly controlPollMs: number;
  readonly modelCallMaxMs: number;
  /** No call or tool starts after this; everything is aborted at `sliceAbortMs`. */
  readonly sliceMaxMs: number;
  readonly sliceAbortMs: number;
}
