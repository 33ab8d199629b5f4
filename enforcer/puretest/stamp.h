/* Generated; DO NOT EDIT. Run: go generate ./enforcer/puretest */
#define TB_SOURCES "cf65449b5e032e3825738d9fd69197abdd2a2f7d3dc5ce812af9cd552a52dc6f"
