/* Generated; DO NOT EDIT. Run: go generate ./enforcer/puretest */
#define TB_SOURCES "ec20b4833de1f516e2741ef51ff531d9b8b5ac111cddc2bc429be9e14ff45e15"
