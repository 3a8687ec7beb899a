"""A simulated Blue Current cloud with charge points whose cars come, charge and leave.

Good enough that clients which nobody here wrote believe it (`tests/integration/test_foreign_clients.py`).
"""
