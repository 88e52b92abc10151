"""What measures and draws: benchmarks, site comparison, pictures. No test, not in the wheel."""
