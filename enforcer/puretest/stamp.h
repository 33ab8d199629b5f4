/* Generated; DO NOT EDIT. Run: go generate ./enforcer/puretest */
#define TB_SOURCES "d89c749b6af9a9f93f09fc04e5fbb5c4e5a87ea5aafca84eca053039bbaafdb8"
