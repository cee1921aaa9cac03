"""One request or response rule per file: politeness, consent, network guard, limits."""
