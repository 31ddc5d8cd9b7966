/* States that nobody can tell apart are made the same; a part of peers.pml, after each step. */

/* ---- what makes no difference any more is taken out */

inline reach_of(of_term, index)
{
    found = of_term;
    i = index;
    do
    :: i == 0 || reach[found] >= i -> break
    :: else ->
        reach[found] = i;
        i = base[found];
        found = base_term[found]
    od
}

inline tidy()
{
    low = TERMS + 1; /* the lowest term that somebody is in: messages of earlier ones are not heard any more */
    m = 1;
    do
    :: m <= MEMBERS ->
        if
        :: alive[m] && term[m] < low -> low = term[m]
        :: else
        fi;
        m++
    :: else -> break
    od;
    at_term = 1;
    do
    :: at_term <= TERMS ->
        reach[at_term] = 0;
        if
        :: master[at_term] && master[at_term] != GONE ->
            if
            :: alive[master[at_term]] && term[master[at_term]] == at_term
            :: else -> master[at_term] = GONE
            fi
        :: else
        fi;
        if
        :: at_term < low -> master[at_term] = 0
        :: else
        fi;
        if
        :: master[at_term] == 0 || master[at_term] == GONE -> acked[at_term] = 0; setting[at_term] = 0; electorate[at_term] = 0
        :: else
        fi;
        m = 1;
        do
        :: m <= MEMBERS ->
            if
            :: master[at_term] == 0 || master[at_term] == GONE || HELD(at_term, m) <= acked[at_term] ||
                   (m != 4 && !(electorate[at_term] & BIT(m))) -> HELD(at_term, m) = 0
            :: else
            fi;
            m++
        :: else -> break
        od;
        at_term++
    :: else -> break
    od;
    m = 1;
    do
    :: m <= MEMBERS -> reach_of(last_term[m], last[m]); m++
    :: else -> break
    od;
    at_term = 1;
    do
    :: at_term <= TERMS ->
        if
        :: master[at_term] -> reach_of(at_term, length[at_term])
        :: else
        fi;
        at_term++
    :: else -> break
    od;
    at_term = 1;
    do
    :: at_term <= TERMS ->
        i = reach[at_term] + 1;
        do
        :: i <= ENTRIES -> KIND(at_term, i) = 0; i++
        :: else -> break
        od;
        length[at_term] = reach[at_term];
        if
        :: length[at_term] == 0 -> base[at_term] = 0; base_term[at_term] = 0
        :: else
        fi;
        at_term++
    :: else -> break
    od;
    i = 1;
    do
    :: i <= ENTRIES -> /* all who can be elected yet are so in later terms */
        if
        :: acked_in[i] > 1 && low >= acked_in[i] -> acked_in[i] = 1
        :: else
        fi;
        i++
    :: else -> break
    od
}

/* ---- 1, 2 and 3 are alike: they exchange their names so that these are in the order of the keys; which order does not matter */

#define KEY(v) ((((alive[v] * 8 + term[v]) * 8 + last_term[v]) * 8 + last[v]) * 2 + voted[v])
#define KEY_AS_HELD(v) ((term[v] && master[term[v]] == v -> 8 : 0) + HELD(term[v], v))
#define EXCHANGE(p, q) found = p; p = q; q = found
#define EXCHANGE_BITS(s, a, b)                                                                                                 \
    if                                                                                                                         \
    :: ((s >> (a - 1)) & 1) != ((s >> (b - 1)) & 1) -> s = s ^ (BIT(a) | BIT(b))                                               \
    :: else                                                                                                                    \
    fi

inline order(a, b)
{
    if
    :: KEY(a) > KEY(b) || (KEY(a) == KEY(b) && KEY_AS_HELD(a) > KEY_AS_HELD(b)) ->
        EXCHANGE(alive[a], alive[b]);
        EXCHANGE(term[a], term[b]);
        EXCHANGE(voted[a], voted[b]);
        EXCHANGE(last[a], last[b]);
        EXCHANGE(last_term[a], last_term[b]);
        EXCHANGE(members[a], members[b]);
        EXCHANGE(granted[a], granted[b]);
        m = 1;
        do
        :: m <= MEMBERS -> EXCHANGE_BITS(members[m], a, b); EXCHANGE_BITS(granted[m], a, b); m++
        :: else -> break
        od;
        at_term = 1;
        do
        :: at_term <= TERMS ->
            EXCHANGE(HELD(at_term, a), HELD(at_term, b));
            EXCHANGE_BITS(electorate[at_term], a, b);
            if
            :: master[at_term] == a -> master[at_term] = b
            :: master[at_term] == b -> master[at_term] = a
            :: else
            fi;
            i = 1;
            do
            :: i <= ENTRIES -> EXCHANGE_BITS(KIND(at_term, i), a, b); i++
            :: else -> break
            od;
            at_term++
        :: else -> break
        od
    :: else
    fi
}

inline order_all()
{
#ifndef NO_SYMMETRY
    order(1, 2);
    order(2, 3);
    order(1, 2)
#else
    skip
#endif
}

