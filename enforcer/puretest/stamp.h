/* Generated; DO NOT EDIT. Run: go generate ./enforcer/puretest */
#define TB_SOURCES "19a9b6060eaed522ed1fd0d4b9e6f96e8bd3bd51626526ada4fe2589efd17ddf"
