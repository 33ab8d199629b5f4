//go:build cgo

#include "stamp.h"
#include "../sha256.c"
