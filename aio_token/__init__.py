"""OAuth 2 tokens for asyncio and aiohttp: one refresh, however many ask."""
