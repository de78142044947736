import type { PlatformRpc } from "../contracts/platform-rpc.ts";
import { type ObjectNamespace, rpcStub } from "./rpc-stub.ts";

export const platformName = "platform";

/** The one platform object. */
export function platformStub(namespace: ObjectNamespace): PlatformRpc {
  return rpcStub<PlatformRpc>(namespace, platformName);
}
