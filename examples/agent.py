"""A command-line agent that may be started several times at once: all of them share one credential, in a file.

python -m examples.agent FILE         against the servers that the environment names
python -m examples.agent --five       starts five of them at the same time, against servers of its own
"""

from __future__ import annotations

import os
import sys

from aiohttp import ClientSession

from aio_token import (
    BearerMiddleware,
    ClientSecretBasic,
    FileTokenStore,
    RefreshTokenGrant,
    TokenEndpoint,
    TokenError,
    TokenRepository,
)
from examples import ending
from examples.hosts import servers_that_count, several
from examples.servers import of_environment


async def agent(file: str) -> int:
    """Do the agent's work, and return its exit code."""
    here = of_environment()
    endpoint = TokenEndpoint(here.token_url, ClientSecretBasic(here.client_id, here.client_secret))
    # The first of the processes renews under the file's lock; the others find its token there.
    tokens = TokenRepository(RefreshTokenGrant(endpoint, first=here.refresh_token), FileTokenStore(file))
    try:
        bearer = BearerMiddleware(tokens, here.api_url)
        async with tokens, ClientSession(middlewares=(bearer,)) as api, api.get(f"{here.api_url}/me") as response:
            print(f"agent {os.getpid()}: {response.status}")
            return 0 if response.ok else 1
    except TokenError as error:  # its text is meant for users, and holds no secret
        print(f"agent {os.getpid()}: {error}", file=sys.stderr)
        return 1


async def five() -> int:
    """Start five agents at once, and return an exit code."""
    async with servers_that_count() as here:
        return await several("examples.agent", str(here.token_file), count=5, here=here)


if __name__ == "__main__":
    if len(sys.argv) != 2:  # noqa: PLR2004  the program and its argument
        sys.exit(__doc__)
    sys.exit(ending.run(five() if sys.argv[1] == "--five" else agent(sys.argv[1])))
