/** Typed clients of the objects. */
import { type LiveViewer, liveViewerHeader, type PlatformViewer } from "../contracts/live-viewer.ts";
import type { OrganizationRpc } from "../contracts/organization-rpc.ts";
import type { ObjectClients } from "../contracts/ports.ts";
import type { RepositoryRpc } from "../contracts/repository-rpc.ts";
import { repositoryKey } from "../contracts/terms.ts";
import { platformName, platformStub } from "./platform-stub.ts";
import { type ObjectNamespace, rpcStub } from "./rpc-stub.ts";

/** The bindings of the three classes, named as in the Worker's configuration. */
export interface ObjectNamespaces {
  readonly ORGANIZATIONS: ObjectNamespace;
  readonly PLATFORM: ObjectNamespace;
  readonly REPOSITORIES: ObjectNamespace;
}

/** Clients by name; each call of a client is one RPC. */
export function createObjectClients(namespaces: ObjectNamespaces): ObjectClients {
  return {
    organization: (organizationId) => rpcStub<OrganizationRpc>(namespaces.ORGANIZATIONS, organizationId),
    platform: () => platformStub(namespaces.PLATFORM),
    repository: (repository) => rpcStub<RepositoryRpc>(namespaces.REPOSITORIES, repositoryKey(repository)),
  };
}

/**
 * Hands a WebSocket upgrade over to the object of the viewer's organization; whatever the client sent in the internal
 * header is replaced.
 */
export async function forwardLiveUpgrade(
  namespaces: Pick<ObjectNamespaces, "ORGANIZATIONS">,
  request: Request,
  viewer: LiveViewer,
): Promise<Response> {
  return namespaces.ORGANIZATIONS.getByName(viewer.organizationId).fetch(withViewer(request, viewer));
}

/** Hands an operator's WebSocket upgrade over to the platform object; the internal header is replaced in the same way. */
export async function forwardPlatformUpgrade(
  namespaces: Pick<ObjectNamespaces, "PLATFORM">,
  request: Request,
  viewer: PlatformViewer,
): Promise<Response> {
  return namespaces.PLATFORM.getByName(platformName).fetch(withViewer(request, viewer));
}

function withViewer(request: Request, viewer: LiveViewer | PlatformViewer): Request {
  const headers = new Headers(request.headers);
  headers.set(liveViewerHeader, JSON.stringify(viewer));
  return new Request(request, { headers });
}
