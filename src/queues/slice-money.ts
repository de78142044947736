/** A slice's money: every model call asks its organization's object first, and tells it how the call ended. */
import type { CallMoney } from "../agents/attempt.ts";
import type { EpochRef, OrganizationRpc } from "../contracts/organization-rpc.ts";
import { describeError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import { repeatCall } from "./repeat-call.ts";

export interface SliceMoney {
  /** Called for every RPC anew: a client is of no use after its object was restarted. */
  readonly organization: () => Pick<OrganizationRpc, "reserve" | "release" | "settle">;
  readonly ref: EpochRef;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** The money port of a slice. What cannot be settled is committed whole by the object when the slice ends. */
export function sliceMoney({ organization, ref, logger, signal }: SliceMoney): CallMoney {
  const tell = async (call: () => Promise<unknown>): Promise<void> => {
    try {
      await repeatCall(call, logger);
    } catch (error) {
      logger.warn("model call not settled", { error: describeError(error) });
    }
  };
  return {
    reserve: (stepNumber, amountMicroUsd) =>
      repeatCall(() => organization().reserve({ ...ref, stepNumber, amountMicroUsd }), logger, signal),
    release: (stepNumber) => tell(() => organization().release({ ...ref, stepNumber })),
    settle: (stepNumber, usage) => tell(() => organization().settle({ ...ref, stepNumber, usage })),
  };
}
