"""Operators' accounts: signing in with a second factor, their own settings, and what administrators do to accounts.

django-allauth checks passwords, codes and passkeys. Which of its pages there are, who may open them, and what counts as
signed in is decided here. Nobody signs up, and no e-mail is sent.
"""
