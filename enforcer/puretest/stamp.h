/* Generated; DO NOT EDIT. Run: go generate ./enforcer/puretest */
#define TB_SOURCES "8462cfa0cbd2a0d44bf16a423b3076ce0585a27e8dcac46fd817d8b50948a367"
