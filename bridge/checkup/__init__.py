"""`bluecurrent-fimp check`: checks everything that the service needs, and reports each fault with its cure.

Each check gives a `Finding` and has a time limit. A failed check skips only the checks that depend on it.
"""
