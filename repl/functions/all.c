#include "repl/functions/all.h"

#include "repl/functions/tables.h"

const sc_function *const sc_all_functions[] = {
    sc_functions_basic,   sc_functions_create,      sc_functions_view,
    sc_functions_reduce,  sc_functions_elementwise, sc_functions_notation,
    sc_functions_join,    sc_functions_mxnet,       sc_functions_files,
    sc_functions_plan,    sc_functions_draw,        sc_functions_explain,
    sc_functions_program, sc_functions_text,        NULL};
