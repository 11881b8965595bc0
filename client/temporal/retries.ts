/**
 * How a client's calls to Temporal are tried again: as its SDK does it by default, but for three things. A call whose connection is closed while
 * it waits for its next try: the SDK's then throws out of a timer, which ends the process, and never tells whoever asked. That is so whenever one
 * of several questions fails and the connection is closed, or a run is not watched any more: here such a call ends as cancelled. One that was
 * given up by whoever asked is not tried again either; the SDK goes on for twenty seconds. And where there is no time for another try before the
 * deadline, the call fails at once, with what was wrong, and not later with nothing but that the time is over.
 */
import { defaultGrpcRetryOptions, makeGrpcRetryInterceptor, type ConnectionOptions } from '@temporalio/client';

type Interceptor = NonNullable<ConnectionOptions['interceptors']>[number];
type NextCall = Parameters<Interceptor>[1];
type Call = ReturnType<NextCall>;

/** gRPC's status of what its caller has given up: it is not tried again. */
const CANCELLED = 1;

export function retries(): Interceptor {
  const { delayFunction, retryableDecider } = defaultGrpcRetryOptions();
  return (options, nextCall) => {
    const until = Number(options.deadline ?? Infinity);
    let isGivenUp = false;
    const retry = makeGrpcRetryInterceptor({
      delayFunction,
      retryableDecider: (attempt, status) =>
        !isGivenUp && Date.now() + delayFunction(attempt, status) < until && retryableDecider(attempt, status),
    });
    const call = retry(options, (wanted) => (isGivenUp ? ended('given up') : called(nextCall, wanted)));
    const cancel = call.cancelWithStatus.bind(call);
    call.cancelWithStatus = (status, details) => {
      isGivenUp = true;
      cancel(status, details);
    };
    return call;
  };
}

function called(nextCall: NextCall, options: Parameters<NextCall>[0]): Call {
  try {
    return nextCall(options);
  } catch (error) {
    return ended(error instanceof Error ? error.message : String(error));
  }
}

/** A call that was never made, and says so once it is started. */
function ended(details: string): Call {
  return {
    start(metadata, listener) {
      process.nextTick(() => {
        // As of every call that failed: no message, and then its end.
        listener?.onReceiveMessage?.(null);
        // eslint-disable-next-line typescript/no-unsafe-enum-assignment -- the enum is in a package that is no dependency of ours
        listener?.onReceiveStatus?.({ code: CANCELLED, details, metadata });
      });
    },
    sendMessage: nothing,
    sendMessageWithContext: nothing,
    startRead: nothing,
    halfClose: nothing,
    cancelWithStatus: nothing,
    getPeer: () => '',
    getAuthContext: () => null,
  };
}

function nothing(): void {}
