//go:build cgo

#include "stamp.h"
#include "../policy.c"
