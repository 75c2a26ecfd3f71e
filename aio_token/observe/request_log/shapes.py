"""Secrets that are known by their shape, whatever their name.

Each pattern either begins where a run of letters begins or takes all that it has looked at, so that no character is
looked at again and again: the time grows as the text does, whatever a server writes.
"""

from __future__ import annotations

import re

from aio_token.observe.request_log.secret_names import is_mixed

HIDDEN = "***"
CUT = "…"  # stands where a text goes on that is not shown

_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----.*?(?:-----END [A-Z0-9 ]{1,60}-----|\Z)", re.DOTALL
)
_KNOWN = re.compile(
    r"""(?<![\w-])(?:
      eyJ[\w-]{5,}+(?:\.[\w-]*+)++                                      # a JSON Web Token
    | gh[a-z]_\w{16,}+ | github_pat_\w{16,}+ | gl[a-z]{2,6}-[\w-]{16,}+  # GitHub's, GitLab's
    | xox[a-z]-[\w-]{8,}+ | xapp-[\w-]{8,}+                              # Slack's
    | [rsp]k_(?:live|test)_\w{8,}+ | whsec_\w{8,}+ | sk-[\w-]{16,}+      # Stripe's, and of many others
    | ya29\.[\w.-]{8,}+ | 1//[\w-]{16,}+ | AIza[\w-]{16,}+ | GOCSPX-[\w-]{8,}+                   # Google's
    | (?:npm|hf|dop_v1|doo_v1|shp[a-z]{2}|lin_api|figd|dckr_pat|sntrys|glsa|pul|nfp|rubygems)_[\w-]{16,}+
    | hv[sbr]\.[\w-]{16,}+ | SG\.[\w.-]{16,}+ | pypi-[\w-]{16,}+ | ATATT[\w=-]{16,}+ | AGE-SECRET-KEY-1\w{16,}+
    )
    | (?<!\d)\d{6,}+:[\w-]{30,}+                                         # Telegram's, which stand in the path
    """,
    re.VERBOSE | re.ASCII,
)
_LONG = re.compile(r"(?<![\w+-])[\w+-]{24,}+", re.ASCII)


def without_keys(text: str) -> str:
    """Hide private keys in PEM, also those that are cut off."""
    return _PRIVATE_KEY.sub(HIDDEN, text)


def without_shapes(text: str) -> str:
    """Hide what looks like a token: of a known kind, or long and of mixed letters."""
    return _LONG.sub(lambda run: HIDDEN if is_mixed(run[0]) else run[0], _KNOWN.sub(HIDDEN, text))
