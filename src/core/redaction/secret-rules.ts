/**
 * What secrets look like, as of 2026-11-25. Formats are those that the providers document (the address stands beside each
 * rule); a secret without a format is known by the name that it is assigned to (`assigned-secrets.ts`).
 *
 * Every pattern is one walk over bounded runs of characters that cannot be told apart in two ways, so it takes time in
 * proportion to what it reads: no repetition holds another one whose parts could match the same text.
 */
export interface SecretRule {
  /** Stands in the text instead of the secret. */
  readonly name: string;
  /** Literal beginnings; a text without any of them is not looked at further. */
  readonly starts: readonly string[];
  /** Sticky, from such a beginning on. The group `secret` is what is replaced; without it, all of it is. */
  readonly pattern: RegExp;
  /** Letters, digits and `_` before the beginning are part of another word. */
  readonly atWordStart: boolean;
}

const lineBreak = String.raw`(?:\s|\\[rnt])`;
const blockName = String.raw`(?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----`;
const blockHeader = String.raw`(?:Proc-Type|DEK-Info|Version|Comment): ?[\w,. -]{1,100}`;
/** The beginning, at least one line, and up to the end where there is one. */
const privateKeyPattern = new RegExp(
  `-----BEGIN ${blockName}` +
    `(?:${lineBreak}{1,20}-?(?:[A-Za-z0-9+/=]{16,2000}|${blockHeader}))+` +
    `(?:(?:${lineBreak}{1,20}-?[A-Za-z0-9+/=]{1,15}){0,2}${lineBreak}{0,20}-?-----END ${blockName})?`,
  "y",
);

function token(name: string, starts: readonly string[], pattern: RegExp): SecretRule {
  return { name, starts, pattern, atWordStart: true };
}

export const secretRules: readonly SecretRule[] = [
  // docs.anthropic.com/en/api/admin-api
  token("anthropic-key", ["sk-ant-"], /sk-ant-[\w-]{20,200}/y),
  // platform.openai.com/docs/api-reference/authentication; openrouter.ai/docs/api-reference/authentication
  token("openai-key", ["sk-"], /sk-(?:(?:proj|svcacct|admin|or-v1)-[\w-]{20,200}|[A-Za-z0-9]{32,64}(?![\w-]))/y),
  // docs.stripe.com/keys; keys of the ERP's own API have the same beginning
  token("api-key", ["sk_live_", "sk_test_", "rk_live_", "rk_test_"], /[sr]k_(?:live|test)_[\w-]{12,250}/y),
  // docs.stripe.com/webhooks/signature; standardwebhooks.com
  token("webhook-secret", ["whsec_"], /whsec_[\w+/=-]{20,200}/y),
  // docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
  token("aws-access-key-id", ["AKIA", "ASIA", "ABIA", "ACCA"], /A(?:KI|SI|BI|CC)A[A-Z2-7]{16}(?!\w)/y),
  // github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats
  token("github-token", ["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], /gh[pousr]_[A-Za-z0-9]{36,251}/y),
  token("github-token", ["github_pat_"], /github_pat_\w{36,251}/y),
  // docs.gitlab.com/security/tokens
  token("gitlab-token", ["glpat-"], /glpat-[\w.-]{20,300}/y),
  // api.slack.com/authentication/token-types
  token(
    "slack-token",
    ["xoxb-", "xoxp-", "xoxa-", "xoxe-", "xoxr-", "xoxs-", "xoxo-"],
    /xox[abeoprs]-[A-Za-z0-9.-]{10,250}/y,
  ),
  token("slack-token", ["xapp-"], /xapp-\d-[A-Za-z0-9-]{10,250}/y),
  token(
    "slack-webhook",
    ["hooks.slack.com/"],
    /hooks\.slack\.com\/(?:services|workflows|triggers)\/(?<secret>[A-Za-z0-9/]{20,200})/dy,
  ),
  // cloud.google.com/docs/authentication/api-keys; developers.google.com/identity/protocols/oauth2
  token("google-key", ["AIza"], /AIza[\w-]{35}(?![\w-])/y),
  token("google-secret", ["GOCSPX-"], /GOCSPX-[\w-]{20,100}/y),
  token("google-token", ["ya29."], /ya29\.[\w-]{20,2048}/y),
  // supabase.com/docs/guides/api/api-keys; supabase.com/docs/reference/api
  token("supabase-key", ["sb_secret_"], /sb_secret_[\w-]{20,100}/y),
  token("supabase-token", ["sbp_"], /sbp_[0-9a-f]{40}(?!\w)/y),
  // docs.npmjs.com/about-access-tokens
  token("npm-token", ["npm_"], /npm_[A-Za-z0-9]{36}(?!\w)/y),
  // docs.sendgrid.com/ui/account-and-settings/api-keys
  token("sendgrid-key", ["SG."], /SG\.[\w-]{20,24}\.[\w-]{39,50}/y),
  // huggingface.co/docs/hub/security-tokens; docs.digitalocean.com/reference/api/create-personal-access-token
  token("huggingface-token", ["hf_"], /hf_[A-Za-z]{34}(?!\w)/y),
  token("digitalocean-token", ["dop_v1_", "doo_v1_"], /do[op]_v1_[0-9a-f]{64}(?!\w)/y),
  // shopify.dev/docs/apps/build/authentication-authorization
  token("shopify-token", ["shpat_", "shpss_", "shpca_"], /shp(?:at|ss|ca)_[0-9a-fA-F]{32}(?!\w)/y),
  // linear.app/developers; developers.notion.com
  token("linear-key", ["lin_api_"], /lin_api_[A-Za-z0-9]{40}(?!\w)/y),
  token("notion-token", ["ntn_"], /ntn_[A-Za-z0-9]{40,60}(?!\w)/y),
  // age-encryption.org
  token("age-key", ["AGE-SECRET-KEY-1"], /AGE-SECRET-KEY-1[A-Z0-9]{58}(?!\w)/y),
  // RFC 7519: header and payload are JSON objects, which begin with `{"`
  token("jwt", ["eyJ"], /eyJ[\w-]{8,256}\.eyJ[\w-]{8,8192}\.[\w-]{0,2048}/y),
  // RFC 7468, RFC 9580: lines of base64; in other texts they may be escaped, or those of a diff
  {
    name: "private-key",
    starts: ["-----BEGIN "],
    pattern: privateKeyPattern,
    atWordStart: false,
  },
  // RFC 3986, 3.2.1: the password of an address
  {
    name: "password",
    starts: ["://"],
    pattern: /:\/\/[^\s:@/?#"'<>]{0,100}:(?<secret>[^\s@/"'<>]{3,200})@/dy,
    atWordStart: false,
  },
];
