from hypothesis import settings

# Every run uses the same examples: a new failure is caused by the change under test.
settings.register_profile("same-every-time", derandomize=True, database=None, deadline=None, max_examples=150)
settings.load_profile("same-every-time")
