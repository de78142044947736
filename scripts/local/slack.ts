/** Stand-in of Slack: the workspace and channel that notices will go to. */
import { createEmulator } from "emulate";

export interface SlackStandIn {
  readonly url: string;
  readonly token: string;
  readonly channel: string;
  close(): Promise<void>;
}

const token = "xoxb-local-slack-token";
const channel = "agents";

/** Starts the stand-in on a port of this machine. */
export async function startSlack(options: { readonly port: number }): Promise<SlackStandIn> {
  const emulator = await createEmulator({
    service: "slack",
    port: options.port,
    seed: {
      tokens: { [token]: { login: "spokestack", scopes: ["chat:write"] } },
      slack: { team: { name: "SpokeStack", domain: "spokestack" }, channels: [{ name: channel }] },
    },
  });
  return { url: emulator.url, token, channel, close: () => emulator.close() };
}
