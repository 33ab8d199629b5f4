/* Generated; DO NOT EDIT. Run: go generate ./enforcer/puretest */
#define TB_SOURCES "19b9dfb11d7d352ee7ca1e77b6d0bb00f7770d8bf902d9c49568864f3d5379f1"
