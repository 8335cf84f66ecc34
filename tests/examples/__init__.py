"""The examples, run as a user runs them: each program a process, against a real server that is killed meanwhile."""
