"""A service account: the client asks for itself, and nothing has to be stored: python -m examples.service_account."""

from __future__ import annotations

from aiohttp import ClientSession

from aio_token import BearerMiddleware, ClientCredentialsGrant, ClientSecretBasic, TokenEndpoint, TokenRepository
from examples import ending
from examples.servers import servers


async def main() -> None:
    """Fetch something."""
    async with servers() as here:
        endpoint = TokenEndpoint(here.token_url, ClientSecretBasic(here.client_id, here.client_secret))
        tokens = TokenRepository(ClientCredentialsGrant(endpoint))
        bearer = BearerMiddleware(tokens, here.api_url)
        async with tokens, ClientSession(middlewares=(bearer,)) as api, api.get(f"{here.api_url}/jobs") as response:
            print(response.status)


if __name__ == "__main__":
    ending.run(main())
