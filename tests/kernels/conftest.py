from hypothesis import settings

# Every run tries the same examples: a failure is a failure of the change at hand.
settings.register_profile("same-every-time", derandomize=True, database=None, deadline=None, max_examples=150)
settings.load_profile("same-every-time")
