"""What a sweep costs, as ratios against what people run today, measured in one run."""
