"""Publishing: a draft beside the live version, a look before, and what becomes of runs in flight."""
