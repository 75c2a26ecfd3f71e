// oidc-provider with the clients, the person and the APIs of the tests: node server.js PORT SIGNER APIS
// SIGNER is the public key (JWK) of the client `signer`, APIS a JSON list of the resources that there are.

import { Buffer } from "node:buffer";
import { createServer } from "node:http";
import Provider, { errors } from "oidc-provider";

const [port, signer, apis] = process.argv.slice(2).map((text) => JSON.parse(text));
const issuer = `http://127.0.0.1:${port}`;
const people = ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"];

const clientFor = (client_id, rest) => ({
  client_id,
  application_type: "native",
  redirect_uris: [],
  response_types: [],
  grant_types: ["client_credentials"],
  ...rest,
});
const forPeople = { redirect_uris: ["http://127.0.0.1/callback"], response_types: ["code"], grant_types: people };
const bare = { token_endpoint_auth_method: "none" };

const provider = new Provider(issuer, {
  clients: [
    clientFor("app", { client_secret: "test only: 100% s+cret/~" }),
    clientFor("signer", {
      token_endpoint_auth_method: "private_key_jwt",
      token_endpoint_auth_signing_alg: "ES256",
      jwks: { keys: [signer] },
    }),
    clientFor("cli", { ...forPeople, ...bare }),
    clientFor("stranger", { ...forPeople, ...bare }),
  ],
  cookies: { keys: ["test only: cookies"] },
  enabledJWA: { clientAuthSigningAlgValues: ["ES256"] },
  scopes: ["openid", "email", "read", "write"],
  claims: { openid: ["sub"], email: ["email"] },
  ttl: { AccessToken: 600, ClientCredentials: 600, RefreshToken: 3600, Session: 3600, Grant: 3600, Interaction: 600 },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, email: `${id}@example.org` }) }),
  issueRefreshToken: (_, client) => client.grantTypeAllowed("refresh_token"),
  expiresWithSession: () => false,
  rotateRefreshToken: true,
  interactions: { url: (_, { uid }) => `/interaction/${uid}` },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    dPoP: { enabled: true, nonceSecret: Buffer.alloc(32, "test only"), requireNonce: () => true },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true },
    userinfo: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: (_, __, several) => several?.[0],  // a token is for one of those that were asked for
      getResourceServerInfo: (_, resource) => {
        if (!apis.includes(resource)) throw new errors.InvalidTarget();
        return { scope: "read write", audience: resource, accessTokenFormat: "opaque" };
      },
    },
  },
});

const page = (response, content) => {
  response.writeHead(200, { "Content-Type": "text/html; charset=utf-8" });
  response.end(`<!DOCTYPE html>${content}`);
};

const LOGIN = `<input name="username"><input name="password" type="password"><button>Sign in</button>`;
const CONSENT = `<button name="accept">Agree</button><button name="cancel">No</button>`;

async function agreed({ params, session }) {
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  for (const resource of [params.resource ?? []].flat()) grant.addResourceScope(resource, params.scope);
  return { consent: { grantId: await grant.save() } };
}

async function interact(request, response) {
  const begun = await provider.interactionDetails(request, response);
  if (request.method === "GET") {
    return page(response, `<form method="post" action="">${begun.prompt.name === "login" ? LOGIN : CONSENT}</form>`);
  }
  let body = "";
  for await (const piece of request) body += piece;
  const typed = new URLSearchParams(body);
  let outcome = { error: "access_denied", error_description: "the person did not agree" };
  if (begun.prompt.name === "login") {
    if (typed.get("password") === "test only: alice's password") outcome = { login: { accountId: typed.get("username") } };
  } else if (typed.has("accept")) {
    outcome = await agreed(begun);
  }
  return provider.interactionFinished(request, response, outcome, { mergeWithLastSubmission: false });
}

const answer = provider.callback();
createServer((request, response) => {
  if (!request.url.startsWith("/interaction/")) return answer(request, response);
  return interact(request, response).catch((error) => {
    console.error(error);
    response.writeHead(500);
    response.end(error.message);
  });
}).listen(port, "127.0.0.1");
