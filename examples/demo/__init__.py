"""The demo: a thousand clients crawl an API while their token expires again and again.

python -m examples.demo            against servers of its own
python -m examples.demo --help     against yours
"""
