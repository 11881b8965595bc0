/**
 * How a client's calls to Temporal are tried again: as its SDK does it by default, but for a call whose connection is closed while it waits
 * for its next try. The SDK's then throws out of a timer, which ends the process, and never tells whoever asked. That is so whenever one of
 * several questions fails and the connection is closed, or a run is not watched any more: here such a call ends as cancelled.
 */
import { defaultGrpcRetryOptions, makeGrpcRetryInterceptor, type ConnectionOptions } from '@temporalio/client';

type Interceptor = NonNullable<ConnectionOptions['interceptors']>[number];
type NextCall = Parameters<Interceptor>[1];
type Call = ReturnType<NextCall>;

/** gRPC's status of what its caller has given up: it is not tried again. */
const CANCELLED = 1;

export function retries(): Interceptor {
  const retry = makeGrpcRetryInterceptor(defaultGrpcRetryOptions());
  return (options, nextCall) => retry(options, (wanted) => called(nextCall, wanted));
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
