/* Elections, replication and membership of a room of peers (src/peers/raft*.c), for the model checker Spin. README.md says what is
   left out and why that is sound, and how it is run.

   Members are 1 to 3; 4 is the number of the one that starts again without its memory. Each step below is one atomic transition of
   one process, so every order of them is tried. A message is a transition of its receiver: one that is lost is a step that is not
   taken, one that is late is a step that is taken later.

   NO_OWN_TERM_RULE, NO_LAST_TERM_RULE, NO_NEW_MEMBER_RULE and NO_ONE_CHANGE_RULE take a rule out; then Spin must find a
   violation. */

#ifndef TERMS
#define TERMS 4 /* the highest; candidates may skip terms */
#endif
#ifndef ENTRIES
#define ENTRIES 3 /* of the longest log */
#endif
#ifndef CHANGES
#define CHANGES 2 /* of the membership */
#endif

#define FOLLOWER 0
#define CANDIDATE 1
#define MASTER 2

#define BIT(m) (1 << ((m) - 1))
#define FOUNDERS 7 /* 1, 2 and 3 */
#define AT(m, i) ((m) * (ENTRIES + 1) + (i)) /* entry i, from 1, of the log of member m */

/* What each member knows. */
bit  alive[5];
byte term[5], voted[5], role[5], length[5];
byte entry_term[5 * (ENTRIES + 1)];
byte entry_members[5 * (ENTRIES + 1)]; /* a set; 0: the entry changes no membership */
byte granted[5];   /* candidate: a set of who has voted for it in this term */
byte members[5], change[5]; /* the membership that counts: the latest in its log, committed or not; its index, 0: the founders */
byte committed[5]; /* master: the index up to which it has told its clients so */
byte match[25];    /* master m, at m * 5 + f: up to where f is known to hold what it holds */

/* What nobody knows: what was ever acknowledged, and by whom. */
byte acked_term[ENTRIES + 1], acked_members[ENTRIES + 1]; /* acked_term 0: nothing, at this index */
byte acked_in[ENTRIES + 1]; /* the first term whose master has acknowledged it */
byte acking[TERMS + 1]; /* the master that has acknowledged something in this term */
byte changes;
bit  begun;  /* somebody has stood for election */
bit  forgot; /* somebody has started again without memory */

byte t, k, i, n, count; /* of the step that is taken; 0 between steps */

#define SIZE(s) (((s) & 1) + (((s) >> 1) & 1) + (((s) >> 2) & 1) + (((s) >> 3) & 1))
#define IS_MAJORITY(votes, s) (2 * SIZE((votes) & (s)) > SIZE(s))
#define MATCH(m, f) match[(m) * 5 + (f)]
#define HOLDERS(m, k)                                                                                                  \
    ((MATCH(m, 1) >= (k) -> 1 : 0) | (MATCH(m, 2) >= (k) -> 2 : 0) | (MATCH(m, 3) >= (k) -> 4 : 0) |                   \
     (MATCH(m, 4) >= (k) -> 8 : 0))

#define LAST_TERM(x) (length[x] == 0 -> 0 : entry_term[AT(x, length[x])])
#ifdef NO_LAST_TERM_RULE
#define IS_COMPLETE(c, x) (length[c] >= length[x])
#else
#define IS_COMPLETE(c, x) (LAST_TERM(c) > LAST_TERM(x) || (LAST_TERM(c) == LAST_TERM(x) && length[c] >= length[x]))
#endif
#ifdef NO_OWN_TERM_RULE
#define MAY_ACK(m, k) 1
#else
#define MAY_ACK(m, k) (entry_term[AT(m, k)] == term[m])
#endif
#ifdef NO_ONE_CHANGE_RULE
#define MAY_CHANGE(m) 1
#else
#define MAY_CHANGE(m) (change[m] <= committed[m])
#endif

/* What follows of the log of x. */
inline know_members(x)
{
    members[x] = FOUNDERS;
    change[x] = 0;
    i = 1;
    do
    :: i <= length[x] ->
        if
        :: entry_members[AT(x, i)] -> members[x] = entry_members[AT(x, i)]; change[x] = i
        :: else
        fi;
        i++
    :: else -> break
    od;
    i = 0
}

inline resign(x)
{
    role[x] = FOLLOWER;
    granted[x] = 0;
    committed[x] = 0;
    MATCH(x, 1) = 0; MATCH(x, 2) = 0; MATCH(x, 3) = 0; MATCH(x, 4) = 0
}

/* Leaves the role that it had, in a term that is new to it. */
inline adopt(x, new_term)
{
    term[x] = new_term;
    voted[x] = 0;
    resign(x)
}

/* Takes away all from entry `from` on. */
inline cut(x, from)
{
    n = from;
    do
    :: n <= ENTRIES -> entry_term[AT(x, n)] = 0; entry_members[AT(x, n)] = 0; n++
    :: else -> break
    od;
    n = 0;
    length[x] = from - 1
}

inline add(x, set)
{
    length[x]++;
    entry_term[AT(x, length[x])] = term[x];
    entry_members[AT(x, length[x])] = set;
    MATCH(x, x) = length[x];
    know_members(x)
}

/* What was acknowledged in one term is in the logs of the masters of all later ones, at its place. */
inline must_have_what_was_acked(x)
{
    i = 1;
    do
    :: i <= ENTRIES ->
        assert(acked_term[i] == 0 || acked_in[i] >= term[x] ||
               (length[x] >= i && entry_term[AT(x, i)] == acked_term[i] && entry_members[AT(x, i)] == acked_members[i]));
        i++
    :: else -> break
    od;
    i = 0
}

/* Master m tells its clients of all up to entry k. */
inline acknowledge(m, k)
{
    assert(acking[term[m]] == 0 || acking[term[m]] == m);
    acking[term[m]] = m;
    committed[m] = k;
    i = 1;
    do
    :: i <= k ->
        assert(acked_term[i] == 0 ||
               (acked_term[i] == entry_term[AT(m, i)] && acked_members[i] == entry_members[AT(m, i)]));
        if
        :: acked_term[i] == 0 || term[m] < acked_in[i] -> acked_in[i] = term[m]
        :: else
        fi;
        acked_term[i] = entry_term[AT(m, i)];
        acked_members[i] = entry_members[AT(m, i)];
        i++
    :: else -> break
    od;
    i = 0;
    /* Also masters that are there already, in later terms. */
    count = 1;
    do
    :: count <= 4 ->
        if
        :: alive[count] && role[count] == MASTER && term[count] > term[m] -> must_have_what_was_acked(count)
        :: else
        fi;
        count++
    :: else -> break
    od;
    count = 0
}

/* ---- steps */

/* x stands for election, in any later term. Members 1 to 3 are alike: that the first who stands is 1 leaves nothing out. */
#define STAND(x)                                                                                                       \
    :: atomic {                                                                                                        \
        alive[x] && role[x] != MASTER && term[x] < TERMS && (members[x] & BIT(x)) && (x == 1 || begun) ->              \
        if                                                                                                             \
        :: term[x] < 1 -> t = 1                                                                                        \
        :: term[x] < 2 && 2 <= TERMS -> t = 2                                                                          \
        :: term[x] < 3 && 3 <= TERMS -> t = 3                                                                          \
        :: term[x] < 4 && 4 <= TERMS -> t = 4                                                                          \
        :: term[x] < 5 && 5 <= TERMS -> t = 5                                                                          \
        fi;                                                                                                            \
        d_step { begun = 1; adopt(x, t); voted[x] = x; role[x] = CANDIDATE; granted[x] = BIT(x); t = 0 } }

/* x hears the request of candidate c: of a later term it takes the term, and votes if it may. */
#define HEAR(x, c)                                                                                                     \
    :: d_step {                                                                                                        \
        alive[x] && alive[c] && role[c] == CANDIDATE && !(granted[c] & BIT(x)) &&                                      \
            (term[c] > term[x] || (term[c] == term[x] && role[x] == FOLLOWER && (voted[x] == 0 || voted[x] == c) &&    \
                                   IS_COMPLETE(c, x))) ->                                                              \
        if                                                                                                             \
        :: term[c] > term[x] -> adopt(x, term[c])                                                                      \
        :: else                                                                                                        \
        fi;                                                                                                            \
        if                                                                                                             \
        :: IS_COMPLETE(c, x) -> voted[x] = c; granted[c] = granted[c] | BIT(x)                                         \
        :: else                                                                                                        \
        fi }

/* Candidate x has a majority of its membership: it is master, and writes an entry of its own term. */
#define WIN(x)                                                                                                         \
    :: d_step {                                                                                                        \
        alive[x] && role[x] == CANDIDATE && length[x] < ENTRIES && IS_MAJORITY(granted[x], members[x]) ->              \
        must_have_what_was_acked(x);                                                                                   \
        role[x] = MASTER;                                                                                              \
        granted[x] = 0;                                                                                                \
        add(x, 0) }

/* Master x adds what a client has dispatched. */
#define DISPATCH(x)                                                                                                    \
    :: d_step { alive[x] && role[x] == MASTER && length[x] < ENTRIES -> add(x, 0) }

/* x takes what master m has sent: its log up to any entry. */
#define APPEND(x, m)                                                                                                   \
    :: atomic {                                                                                                        \
        alive[x] && alive[m] && role[m] == MASTER && term[m] >= term[x] && MATCH(m, x) < length[m] ->                  \
        if                                                                                                             \
        :: MATCH(m, x) < 1 -> k = 1                                                                                    \
        :: MATCH(m, x) < 2 && length[m] >= 2 -> k = 2                                                                  \
        :: MATCH(m, x) < 3 && length[m] >= 3 -> k = 3                                                                  \
        :: MATCH(m, x) < 4 && length[m] >= 4 -> k = 4                                                                  \
        fi;                                                                                                            \
        d_step {                                                                                                       \
            if                                                                                                         \
            :: term[m] > term[x] -> adopt(x, term[m])                                                                  \
            :: else -> resign(x)                                                                                       \
            fi;                                                                                                        \
            i = 1;                                                                                                     \
            do                                                                                                         \
            :: i <= k ->                                                                                               \
                if                                                                                                     \
                :: i > length[x] || entry_term[AT(x, i)] != entry_term[AT(m, i)] ->                                    \
                    cut(x, i); /* from here on it is another log */                                                    \
                    entry_term[AT(x, i)] = entry_term[AT(m, i)];                                                       \
                    entry_members[AT(x, i)] = entry_members[AT(m, i)];                                                 \
                    length[x] = i                                                                                      \
                :: else                                                                                                \
                fi;                                                                                                    \
                i++                                                                                                    \
            :: else -> break                                                                                           \
            od;                                                                                                        \
            know_members(x);                                                                                           \
            MATCH(m, x) = k;                                                                                           \
            k = 0 } }

/* Master x acknowledges all up to entry e, which a majority holds. */
#define ACK(x, e)                                                                                                      \
    :: d_step {                                                                                                        \
        alive[x] && role[x] == MASTER && e <= length[x] && e > committed[x] && MAY_ACK(x, e) &&                        \
            IS_MAJORITY(HOLDERS(x, e), members[x]) ->                                                                  \
        acknowledge(x, e) }

#define CAN_CHANGE(x)                                                                                                  \
    (alive[x] && role[x] == MASTER && length[x] < ENTRIES && changes < CHANGES && committed[x] > 0 &&                  \
     entry_term[AT(x, committed[x])] == term[x] && MAY_CHANGE(x))

/* Master x removes member f. */
#define REMOVE(x, f)                                                                                                   \
    :: d_step { CAN_CHANGE(x) && (members[x] & BIT(f)) -> changes++; add(x, members[x] & ~BIT(f)) }

/* Master x takes 4 in, which holds all that was acknowledged. */
#define TAKE_IN(x)                                                                                                     \
    :: d_step {                                                                                                        \
        CAN_CHANGE(x) && alive[4] && !(members[x] & BIT(4)) && MATCH(x, 4) >= committed[x] ->                          \
        changes++;                                                                                                     \
        add(x, members[x] | BIT(4)) }

/* x starts again without its memory: as another one, which is no member, and its old self is no more. */
#define FORGET(x)                                                                                                      \
    :: d_step { begun && !forgot && alive[x] -> forgot = 1; adopt(x, 0); cut(x, 1); reborn(x) }

inline reborn(x)
{
#ifdef NO_NEW_MEMBER_RULE
    know_members(x)
#else
    alive[x] = 0;
    members[x] = 0;
    change[x] = 0;
    alive[4] = 1
#endif
}

active proctype room()
{
    d_step {
        alive[1] = 1; alive[2] = 1; alive[3] = 1;
        members[1] = FOUNDERS; members[2] = FOUNDERS; members[3] = FOUNDERS; members[4] = FOUNDERS
    }
    do
    STAND(1) STAND(2) STAND(3) STAND(4)
    HEAR(1, 2) HEAR(1, 3) HEAR(1, 4) HEAR(2, 1) HEAR(2, 3) HEAR(2, 4)
    HEAR(3, 1) HEAR(3, 2) HEAR(3, 4) HEAR(4, 1) HEAR(4, 2) HEAR(4, 3)
    WIN(1) WIN(2) WIN(3) WIN(4)
    DISPATCH(1) DISPATCH(2) DISPATCH(3) DISPATCH(4)
    APPEND(1, 2) APPEND(1, 3) APPEND(1, 4) APPEND(2, 1) APPEND(2, 3) APPEND(2, 4)
    APPEND(3, 1) APPEND(3, 2) APPEND(3, 4) APPEND(4, 1) APPEND(4, 2) APPEND(4, 3)
    ACK(1, 1) ACK(2, 1) ACK(3, 1) ACK(4, 1)
#if ENTRIES >= 2
    ACK(1, 2) ACK(2, 2) ACK(3, 2) ACK(4, 2)
#endif
#if ENTRIES >= 3
    ACK(1, 3) ACK(2, 3) ACK(3, 3) ACK(4, 3)
#endif
#if ENTRIES >= 4
    ACK(1, 4) ACK(2, 4) ACK(3, 4) ACK(4, 4)
#endif
    REMOVE(1, 2) REMOVE(1, 3) REMOVE(1, 4) REMOVE(2, 1) REMOVE(2, 3) REMOVE(2, 4)
    REMOVE(3, 1) REMOVE(3, 2) REMOVE(3, 4) REMOVE(4, 1) REMOVE(4, 2) REMOVE(4, 3)
    TAKE_IN(1) TAKE_IN(2) TAKE_IN(3)
    FORGET(1) FORGET(2) FORGET(3)
    :: else -> break
    od
}
