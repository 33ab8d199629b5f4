//go:build cgo

#include "stamp.h"
#include "../select.c"
