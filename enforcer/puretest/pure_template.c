//go:build cgo

#include "stamp.h"
#include "../template.c"
