"""What a sweep costs, as ratios against what people run today, measured in one run.

`run` is the whole of it, `short` what CI looks at; each other module with a `figures` function is
one question.
"""
