/* Generated; DO NOT EDIT. Run: go generate ./enforcer/puretest */
#define TB_SOURCES "3668463c43b0fb82b4d951dfd089e18fbfe372ee0ea9382586501865cc821224"
