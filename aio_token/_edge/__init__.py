"""The parts of the aiohttp edge: what the middleware asks of a request, of an answer and of an origin."""
