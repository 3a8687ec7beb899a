"""`bluecurrent-fimp check`: looks at everything that the service needs, and says what is wrong and what to do.

Each look is one `Finding` and has a time limit. What a failed look makes senseless is left out; all else is still
looked at.
"""
