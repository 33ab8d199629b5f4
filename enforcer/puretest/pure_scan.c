//go:build cgo

#include "stamp.h"
#include "../scan.c"
