/**
 * Credentials that show what they are by a prefix, as data. The list follows the rules of secretlint 13.0.7
 * (`@secretlint/secretlint-rule-preset-recommend`, MIT licence, © 2020 azu), the services that gitleaks 8 (MIT licence, © 2019 Zachary
 * Rice) and TruffleHog 3 name, and what the services document, with lengths loosened: a token that a log took half of is still a token. docs/adr says why it is kept here.
 *
 * Each begins with letters that are rare in text, then a bounded class: no expression looks at a character twice.
 */
export interface TokenFormat {
  /** Whose tokens they are. */
  readonly service: string;
  /** The source of a regular expression for what every such token has and few texts have. */
  readonly hint: string;
  /** The source of a regular expression for the token, without anything before or after. */
  readonly source: string;
}

const W = '[A-Za-z0-9_-]';
const A = '[A-Za-z0-9]';
const H = '[A-Fa-f0-9]';

export const TOKEN_FORMATS: readonly TokenFormat[] = [
  { service: '1Password', hint: 'ops_', source: 'ops_ey[A-Za-z0-9+/=]{40,}' },
  { service: 'age', hint: 'AGE-S', source: 'AGE-SECRET-KEY-1[A-Z0-9]{40,}' },
  { service: 'Airtable', hint: 'pat[A-Za-z0-9]{14}\\.', source: `pat${A}{14}\\.${H}{40,}` },
  { service: 'Anthropic', hint: 'sk-', source: `sk-ant-${W}{16,}` },
  { service: 'Atlassian', hint: 'AT(?:AT|CT|BB)', source: `AT(?:ATT|CTT|BB)3?[A-Za-z0-9_=-]{24,}` },
  { service: 'AWS Bedrock', hint: 'ABSK', source: 'ABSK[A-Za-z0-9+/]{60,}={0,2}' },
  { service: 'Azure AD', hint: '\\dQ~', source: `${A}[A-Za-z0-9_~.]{2}\\dQ~[A-Za-z0-9_~.-]{31,}` },
  { service: 'Cloudflare', hint: 'cf(?:k|ut|at)_', source: `cf(?:k|ut|at)_${A}{40,}` },
  { service: 'Databricks', hint: 'dapi', source: `dapi${H}{32}(?:-\\d)?` },
  { service: 'DigitalOcean', hint: '_v1_', source: `do[opr]_v1_${H}{40,}` },
  { service: 'Discord', hint: '\\.[A-Za-z0-9_-]{6}\\.', source: `[MNO]${W}{23,25}\\.${W}{6}\\.${W}{27,38}` },
  { service: 'Docker', hint: 'dckr_', source: `dckr_(?:pat|oat)_${W}{20,}` },
  { service: 'Doppler', hint: 'dp\\.', source: `dp\\.(?:pt|st|ct|sa|scim|audit)\\.(?:[a-z0-9_-]{2,35}\\.)?${A}{40,}` },
  { service: 'Figma', hint: 'fig[dur]', source: `fig[du]r?_${W}{32,}` },
  {
    service: 'GitLab',
    hint: 'gl[a-z]{2,5}-|GR134',
    source: `(?:gl(?:pat|oas|ptt|dt|rt|rtr|ft|soat|cbt|agent|imt|ffct)-|GR1348941)${W}{20,}`,
  },
  { service: 'Google', hint: 'AIza', source: `AIza${W}{30,}` },
  { service: 'Google OAuth', hint: 'ya29|GOCSPX', source: `(?:ya29\\.${W}{20,}|GOCSPX-${W}{20,})` },
  { service: 'Grafana', hint: 'gl(?:sa|c)_', source: `(?:glsa_${A}{32}_${H}{8}|glc_[A-Za-z0-9+/]{32,}={0,2})` },
  { service: 'Groq', hint: 'gsk_', source: `gsk_${A}{40,}` },
  {
    service: 'HashiCorp',
    hint: 'hv[sbr]\\.|atlasv1',
    source: `(?:hv[sbr]\\.${W}{24,}|${A}{14}\\.atlasv1\\.${W}{60,})`,
  },
  { service: 'Heroku', hint: 'HRKU', source: `HRKU-AA${W}{40,}` },
  { service: 'Hugging Face', hint: 'hf_|api_org_', source: `(?:hf|api_org)_[A-Za-z0-9]{30,}` },
  { service: 'LangSmith', hint: 'lsv2_', source: `lsv2_(?:pt|sk)_${H}{32}_${H}{8,}` },
  { service: 'Linear', hint: 'lin_', source: `lin_(?:api|oauth|wh)_${A}{32,}` },
  { service: 'Mailchimp', hint: '-us\\d', source: `${H}{32}-us\\d{1,2}` },
  { service: 'Mailgun', hint: 'key-', source: `key-${H}{32}` },
  { service: 'New Relic', hint: 'NR(?:AK|JS|RA)-', source: 'NR(?:AK|JS|RA)-[A-Za-z0-9]{19,}' },
  { service: 'Notion', hint: 'ntn_|secret_', source: `(?:ntn_${A}{40,}|secret_${A}{43})` },
  { service: 'npm', hint: 'npm_', source: `npm_${A}{36}` },
  { service: 'OpenAI and alike', hint: 'sk-', source: `sk-(?=[A-Za-z_-]{0,160}\\d)${W}{20,}` },
  { service: 'Perplexity', hint: 'pplx-', source: `pplx-${A}{40,}` },
  { service: 'PlanetScale', hint: 'pscale_', source: 'pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.-]{30,}' },
  { service: 'Postman', hint: 'PMAK-', source: `PMAK-${H}{24}-${H}{34}` },
  { service: 'Pulumi', hint: 'pul-', source: `pul-${H}{40}` },
  { service: 'PyPI', hint: 'pypi-', source: `pypi-AgE${W}{40,}` },
  { service: 'Replicate', hint: 'r8_', source: `r8_${A}{37}` },
  { service: 'RubyGems', hint: 'rubygems_', source: `rubygems_${H}{48}` },
  { service: 'SendGrid', hint: 'SG\\.', source: `SG\\.${W}{16,}\\.${W}{16,}` },
  { service: 'Sentry', hint: 'sntry', source: 'sntry[su]_[A-Za-z0-9+/=_-]{40,}' },
  { service: 'Shopify', hint: 'shp[acps]', source: `shp(?:at|ca|pa|ss)_${A}{32,}` },
  { service: 'Slack', hint: 'xox|xapp', source: `(?:xox[abeoprs](?:\\.xox[bp])?-${W}{10,}|xapp-\\d-${W}{20,})` },
  { service: 'Square and Facebook', hint: 'sq0|EAA', source: `(?:sq0(?:atp|csp|idp)-${W}{22,}|EAA[A-Z]${W}{56,})` },
  {
    service: 'Stripe',
    hint: 'k_(?:live|test|prod)_|whsec_',
    source: `(?:[sr]k_(?:live|test|prod)_${A}{10,}|whsec_[A-Za-z0-9+/=]{20,})`,
  },
  { service: 'Supabase', hint: 'sbp_', source: `sbp_${H}{40}` },
  { service: 'Tailscale', hint: 'tskey', source: 'tskey-[a-z]{2,20}-[A-Za-z0-9_]{8,}-[A-Za-z0-9_]{16,}' },
  { service: 'Telegram', hint: ':AA', source: `\\d{8,10}:AA${W}{33}` },
  { service: 'Twilio', hint: 'SK[a-f0-9]{4}', source: `SK[a-f0-9]{32}` },
  { service: 'Vercel', hint: 'vc[pikar]_', source: `vc[pikar]_${A}{24,}` },
  { service: 'xAI', hint: 'xai-', source: `xai-${A}{60,}` },
  { service: '1Password keys', hint: 'A3-', source: 'A3-[A-Z0-9]{6}-[A-Z0-9]{6}(?:-[A-Z0-9]{5}){3,4}' },
  { service: 'Alibaba', hint: 'LTAI', source: `LTAI${A}{16,}` },
  { service: 'Artifactory', hint: 'AKCp|cmVmdGtu', source: `(?:AKCp${A}{60,}|cmVmdGtu${A}{50,})` },
  { service: 'Azure DevOps', hint: 'JQQJ99', source: `${A}{52}JQQJ99${A}{20,}` },
  { service: 'Dropbox', hint: 'sl\\.', source: `sl\\.${W}{100,}` },
  { service: 'Dynatrace', hint: 'dt0c01', source: 'dt0c01\\.[A-Z0-9]{24}\\.[A-Z0-9]{40,}' },
  { service: 'ElevenLabs', hint: 'sk_', source: `sk_${H}{40,}` },
  { service: 'Flutterwave', hint: 'FLWSECK', source: `FLWSECK(?:_TEST)?-${A}{12,}(?:-X)?` },
  { service: 'Fly.io', hint: 'f[om][12]_', source: `f(?:o1_${W}{40,}|m[12][ar]?_[A-Za-z0-9+/]{80,}={0,3})` },
  { service: 'Harness', hint: 'pat\\.', source: `pat\\.${W}{22}\\.${H}{24}\\.${A}{20}` },
  { service: 'Mapbox', hint: 'sk\\.eyJ', source: `sk\\.eyJ${W}{20,}\\.${W}{20,}` },
  { service: 'MaxMind', hint: '_mmk', source: `${A}{6}_${A}{29}_mmk` },
  { service: 'NuGet', hint: 'oy2', source: 'oy2[a-z0-9]{43}' },
  { service: 'Octopus Deploy', hint: 'API-', source: 'API-[A-Z0-9]{26}' },
  { service: 'OpenShift', hint: 'sha256~', source: `sha256~${W}{40,}` },
  { service: 'Plaid', hint: 'access-', source: `access-(?:sandbox|development|production)-${H}{8}-[A-Fa-f0-9-]{20,}` },
  { service: 'Sourcegraph', hint: 'sgp_', source: `sgp_(?:(?:${H}{16}|local)_)?${H}{40}` },
  { service: 'Yandex', hint: 'AQVN|y0_', source: `(?:AQVN${W}{35,}|y0_${W}{50,})` },
  {
    service: 'Brevo, Clojars, Contentful, Duffel, Frame.io, NVIDIA, Scalingo, Typeform',
    hint: 'xkeysib|CLOJARS|CFPAT|duffel|fio-|nvapi|tk-us|tfp_',
    source: `(?:xkeysib-|CLOJARS_|CFPAT-|duffel_(?:live|test)_|fio-u-|nvapi-|tk-us-|tfp_)(?=[A-Za-z_-]{0,120}\\d)${W}{32,}`,
  },
  {
    service:
      'Adobe, Buildkite, Cerebras, crates.io, Deno, EasyPost, Infracost, Intra42, LlamaCloud, Netlify, PostHog, Prefect, ReadMe, ' +
      'Render, Shippo, SonarQube',
    hint: 'p8e-|bkua_|csk-|cio|ddp_|EZ[AT]K|ico-|s-s4t|llx-|nfp_|ph[xr]_|pnu_|rdme_|rnd_|shippo|sq[aup]_',
    source:
      `(?:bkua_|ddp_|nfp_|ph[xr]_|pnu_|rdme_|rnd_|s-s4t2(?:ud|af)-|shippo_(?:live|test)_|sq[aup]_)${A}{24,}|` +
      `(?:p8e-|csk-|cio|EZ[AT]K|ico-|llx-)(?=[A-Za-z]{0,120}\\d)${A}{24,}`,
  },
  { service: 'SettleMint', hint: 'sm_[aps]at_', source: `sm_[aps]at_${A}{16,}` },
  { service: 'Pinecone', hint: 'pcsk_', source: `pcsk_${A}{5,6}_${A}{40,}` },
  { service: 'Razorpay', hint: 'rzp_', source: `rzp_(?:live|test)_${A}{14,}` },
  { service: 'Resend', hint: 're_', source: `re_${A}{8}_${A}{20,}` },
];

/** Addresses that are credentials: who knows one may write there. What names the service stays. */
export const SECRET_ADDRESSES: readonly TokenFormat[] = [
  {
    service: 'Slack',
    hint: 'hooks\\.slack',
    source: '(hooks\\.slack\\.com/(?:services|workflows|triggers)/)[A-Za-z0-9+/_-]{10,}',
  },
  { service: 'Discord', hint: 'api/webhooks', source: `(discord(?:app)?\\.com/api/webhooks/\\d{5,20}/)${W}{20,}` },
  { service: 'Microsoft Teams', hint: 'webhookb2', source: '(webhook\\.office\\.com/webhookb2/)[A-Za-z0-9@/_-]{20,}' },
  { service: 'Telegram', hint: 'telegram\\.org', source: `(api\\.telegram\\.org/bot)\\d{6,12}:${W}{20,}` },
];
