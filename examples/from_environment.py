"""A refresh token from the environment, for the first time; what is stored since then wins.

python -m examples.from_environment FILE: the second run has no use for the token in the environment any more.
"""

from __future__ import annotations

import sys

from aiohttp import ClientSession

from aio_token import (
    BearerMiddleware,
    ClientSecretBasic,
    FileTokenStore,
    RefreshTokenGrant,
    TokenEndpoint,
    TokenRepository,
)
from examples import ending
from examples.servers import servers


async def main(file: str) -> None:
    """Fetch something."""
    async with servers() as here:
        endpoint = TokenEndpoint(here.token_url, ClientSecretBasic(here.client_id, here.client_secret))
        # here.refresh_token is os.environ["REFRESH_TOKEN"]. Each refresh gives a new one, and the file keeps it.
        tokens = TokenRepository(RefreshTokenGrant(endpoint, first=here.refresh_token), FileTokenStore(file))
        bearer = BearerMiddleware(tokens, here.api_url)
        async with tokens, ClientSession(middlewares=(bearer,)) as api, api.get(f"{here.api_url}/me") as response:
            print(response.status)


if __name__ == "__main__":
    if len(sys.argv) != 2:  # noqa: PLR2004  the program and its argument
        sys.exit(__doc__)
    ending.run(main(sys.argv[1]))
