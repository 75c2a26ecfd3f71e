"""The tests of aio_token: one file per module, and one each for what cuts across them."""
