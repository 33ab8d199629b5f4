/* Generated; DO NOT EDIT. Run: go generate ./enforcer/puretest */
#define TB_SOURCES "a8b47645a3b6e58fd37e26de185b7c62db5fe2bf9264c2584cd7218bfa8eecb5"
