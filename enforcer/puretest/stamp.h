/* Generated; DO NOT EDIT. Run: go generate ./enforcer/puretest */
#define TB_SOURCES "5f0322b732d5b180c393a0ff2e598804b0fc4d5e78b037934deb1d15e6cb1b9d"
