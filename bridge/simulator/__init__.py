"""A simulated Blue Current cloud with charge points whose cars come, charge and leave.

Third-party clients work with it unchanged (`tests/integration/test_foreign_clients.py`).
"""
