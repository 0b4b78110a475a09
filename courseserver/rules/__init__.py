"""The API's own rules: what it answers to a request before any model sees it, a few lines each.

They know requests and the dated table of models, nothing of recordings or lessons. `check` asks
them in the order of the imports below, and in each file from top to bottom.
"""

from courseserver.rules.rule import RULES, Rule, check

# isort: off
from courseserver.rules import http
from courseserver.rules import conversation
from courseserver.rules import model
from courseserver.rules import caching
from courseserver.rules import media

# isort: on

__all__ = ["RULES", "Rule", "caching", "check", "conversation", "http", "media", "model"]
